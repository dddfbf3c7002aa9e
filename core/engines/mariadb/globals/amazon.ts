import type { AccountFact } from './facts.ts';

/** Roles that Aurora MySQL 3 makes for what it may do on AWS (Amazon Aurora user guide, role-based privilege model). */
const ofAurora = ['LAMBDA', 'LOAD_S3', 'SELECT_S3', 'COMPREHEND', 'SAGEMAKER', 'BEDROCK'].map(
  (service) => `AWS_${service}_ACCESS`,
);

/** Whether every server of Aurora has this role, and nobody makes it. What else is called AWS_… is somebody's. */
export function isRoleOfAurora(user: string): boolean {
  return ofAurora.includes(user);
}

/** Whether what is given is a role that Aurora alone has, so that no other server can give it. */
export function givesRoleOfAurora({ kind, name }: Pick<AccountFact, 'kind' | 'name'>): boolean {
  const [role = ''] = name.split('@');
  return kind === 'membership' && (isRoleOfAurora(role) || role === 'rds_superuser_role');
}
