import { App, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { NightjarBackups } from 'nightjar/cdk';

/** A stack of your own, with what is yours in it, and Nightjar beside it. */
export class ShopStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    new Secret(this, 'Login', {
      secretName: 'shop/database',
      generateSecretString: { generateStringKey: 'password', secretStringTemplate: '{"username":"backup"}' },
    });

    const backups = new NightjarBackups(this, 'Backups', {
      vault: 's3://acme-shop-backups/prod',
      defaults: { timeZone: 'Europe/Amsterdam', schedule: '0 4 * * *' },
      sources: {
        shop: {
          postgres: {
            host: 'shop.c1x2y3.eu-west-1.rds.amazonaws.com',
            database: 'shop',
            user: { secret: 'shop/database', field: 'username' },
            password: { secret: 'shop/database', field: 'password' },
          },
          retention: { daily: 14 },
          cloud: { size: '5GB' },
        },
      },
      cloud: { stack: 'ShopBackups', email: ['ops@acme.example'] },
    });

    // everything that it makes is there to be used: here an alarm of your own on one of its functions
    new Alarm(this, 'RestoreFailed', {
      metric: backups.functions.get('shop')!.restore.fn.metricErrors(),
      threshold: 1,
      evaluationPeriods: 1,
    });
  }
}

if (import.meta.main) new ShopStack(new App(), 'Shop');
