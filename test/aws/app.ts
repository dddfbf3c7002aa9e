import { App } from 'aws-cdk-lib';
import { databasesStack } from './databases.ts';

// The CDK app of the databases: cdk deploy --app "node test/aws/app.ts" -c stack=<name>
const app = new App();
databasesStack(app, String(app.node.tryGetContext('stack')));
