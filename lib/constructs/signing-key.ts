import { RemovalPolicy } from 'aws-cdk-lib';
import { Alias, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** A key that signs backups inside KMS: made here and kept for good. The roles of functions say who may use it. */
export class SigningKey extends Construct {
  readonly key: IKey;

  constructor(scope: Construct, id: string, { stack }: { readonly stack: string }) {
    super(scope, id);
    const key = new Key(this, 'Key', {
      description: `Signs the backups of ${stack}. What it has signed is checked with its public key alone.`,
      keySpec: KeySpec.ECC_NIST_P256,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    new Alias(this, 'Alias', { aliasName: `alias/nightjar/${stack}-signing`, targetKey: key });
    this.key = key;
  }
}
