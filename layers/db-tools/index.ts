// the one entry for the command line: in the package all of this is one file, beside its pins
export { cacheRoot } from './cache.ts';
export { lackingLine } from './certificates.ts';
export { contentProblems } from './contents-list.ts';
export { debianNames, type LayerArchitecture } from './contents.ts';
export { inspectLayer, inspectLayers, type CachedLayer } from './inspect.ts';
export { dbToolsLayer, pinRule, type Pinning } from './layer.ts';
export { chooseLock, shippedLock, type LayerLock } from './lock.ts';
export { securityFixes, type SecurityFix } from './debian/security.ts';
export { updateLock, type Move } from './debian/update.ts';
export { zipLayer } from './bill/zip-layer.ts';
