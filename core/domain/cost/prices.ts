/**
 * AWS's prices in US dollars, as its price pages had them in June 2025: the first tier of each, without taxes and
 * discounts. Later changes are not included. Pages: aws.amazon.com/s3/pricing, /lambda/pricing, /kms/pricing,
 * /cloudwatch/pricing, /eventbridge/pricing, /sns/pricing, /secrets-manager/pricing, /privatelink/pricing,
 * /vpc/pricing, /ec2/pricing/on-demand (data transfer).
 */
export const pricesAsOf = '2025-06';

/**
 * Prices that differ by region: storage, logs and traffic per GB, requests per piece, functions per GB and second,
 * endpoints per zone and hour.
 */
export type RegionPrices = {
  storage: number;
  put: number;
  get: number;
  logs: number;
  endpointHour: number;
  natGb: number;
};

const regions = {
  'us-east-1': { storage: 0.023, put: 0.005e-3, get: 0.0004e-3, logs: 0.5, endpointHour: 0.01, natGb: 0.045 },
  'us-east-2': { storage: 0.023, put: 0.005e-3, get: 0.0004e-3, logs: 0.5, endpointHour: 0.01, natGb: 0.045 },
  'us-west-2': { storage: 0.023, put: 0.005e-3, get: 0.0004e-3, logs: 0.5, endpointHour: 0.01, natGb: 0.045 },
  'eu-west-1': { storage: 0.023, put: 0.005e-3, get: 0.0004e-3, logs: 0.57, endpointHour: 0.011, natGb: 0.048 },
  'eu-central-1': { storage: 0.0245, put: 0.0054e-3, get: 0.00043e-3, logs: 0.63, endpointHour: 0.012, natGb: 0.052 },
  'ap-southeast-2': { storage: 0.025, put: 0.0055e-3, get: 0.00044e-3, logs: 0.67, endpointHour: 0.013, natGb: 0.059 },
} satisfies Record<string, RegionPrices>;

/**
 * Prices that are equal in these regions. `free`: what an account gets each month at no charge, for all its uses
 * together.
 */
export const everywhere = {
  gbSecond: 0.0000133334,
  invocation: 0.2e-6,
  key: 1,
  keyRequest: 0.03 / 10_000,
  alarmMetric: 0.1,
  customMetric: 0.3,
  dashboard: 3,
  logStorage: 0.03,
  scheduled: 1e-6,
  published: 0.5e-6,
  mail: 2 / 100_000,
  secret: 0.4,
  secretRead: 0.05 / 10_000,
  trace: 5e-6,
  endpointGb: 0.01,
  tag: 0.0065 / 10_000,
  otherRegionGb: 0.02,
  free: {
    gbSeconds: 400_000,
    invocations: 1e6,
    keyRequests: 20_000,
    alarmMetrics: 10,
    customMetrics: 10,
    dashboards: 3,
    dashboardMetrics: 50,
    logsGb: 5,
    scheduled: 14e6,
    published: 1e6,
    mails: 1000,
    traces: 100_000,
  },
} as const;

/** The prices of a region. For a region that is not in the table, the highest of each, and `known` is false. */
export function pricesOf(region: string): RegionPrices & { known: boolean } {
  const own = (regions as Record<string, RegionPrices>)[region];
  if (own !== undefined) return { ...own, known: true };
  const dearest = (key: keyof RegionPrices): number => Math.max(...Object.values(regions).map((one) => one[key]));
  return {
    storage: dearest('storage'),
    put: dearest('put'),
    get: dearest('get'),
    logs: dearest('logs'),
    endpointHour: dearest('endpointHour'),
    natGb: dearest('natGb'),
    known: false,
  };
}
