// what the package exports as nightjar/cdk
export { BackupStack } from './backup-stack.ts';
export type { BackupStackProps } from './backup-stack.ts';
export type { NightjarFunction } from './constructs/functions/nightjar-function.ts';
export { NightjarBackups } from './nightjar-backups.ts';
export type { NightjarBackupsProps } from './nightjar-backups.ts';
export type { WrittenConfig } from './read-config.ts';
