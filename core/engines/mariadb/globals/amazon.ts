import type { AccountFact } from './facts.ts';

/** Roles of Aurora MySQL 3 for access to AWS services (Amazon Aurora user guide, role-based privilege model). */
const ofAurora = ['LAMBDA', 'LOAD_S3', 'SELECT_S3', 'COMPREHEND', 'SAGEMAKER', 'BEDROCK'].map(
  (service) => `AWS_${service}_ACCESS`,
);

/** Whether every Aurora server has this role and nobody makes it. Other names with AWS_… belong to users. */
export function isRoleOfAurora(user: string): boolean {
  return ofAurora.includes(user);
}

/** Whether a membership grants a role that only Aurora has, so that no other server can grant it. */
export function givesRoleOfAurora({ kind, name }: Pick<AccountFact, 'kind' | 'name'>): boolean {
  const [role = ''] = name.split('@');
  return kind === 'membership' && (isRoleOfAurora(role) || role === 'rds_superuser_role');
}
