/** Types of resources that the emulator's CloudFormation makes. */
export const made = [
  'AWS::CloudWatch::Dashboard',
  'AWS::EC2::SecurityGroup',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::EC2::VPCEndpoint',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::KMS::Alias',
  'AWS::KMS::Key',
  'AWS::Lambda::Function',
  'AWS::Lambda::LayerVersion',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::SNS::Topic',
  'AWS::SQS::Queue',
] as const;

/** Types that it does not know, and what is done about each instead. */
export const byHand: Readonly<Record<string, string>> = {
  'AWS::S3::BucketPolicy':
    'not put: the emulator would take a denial under conditions for a denial of everything; the gate judges by it',
  'AWS::SNS::TopicPolicy': 'not put: the emulator does not heed it; the gate judges by it',
  'AWS::SQS::QueuePolicy': 'not put: the emulator does not heed it; the gate judges by it',
  'AWS::SNS::Subscription': 'subscribed by the API',
  'AWS::Lambda::EventInvokeConfig': 'read by the imitated Lambda: retries, age, where failures go',
  'AWS::Scheduler::ScheduleGroup': 'made by the API',
  'AWS::Scheduler::Schedule': 'made by the API, which accepts anything; fired by the tests under its own role',
  'AWS::CloudWatch::Alarm': 'evaluated by alarms.ts against the metrics that come out',
  'AWS::Chatbot::SlackChannelConfiguration': 'nothing: nobody is there to write into Slack; its role is judged',
  'AWS::CDK::Metadata': 'nothing: it says which CDK made the template',
};
