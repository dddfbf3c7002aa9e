import type { DigestCost } from '../../core/commands/check/digest.ts';
import { costPlanOf } from '../../core/contract/cloud/cost-plan.ts';
import type { Config } from '../../core/contract/config/config.ts';
import { estimateCost } from '../../core/domain/cost/cost.ts';
import { pricesOf } from '../../core/domain/cost/prices.ts';

/** What a month costs, by list prices of the region: the storage of a gigabyte, and, as `nightjar cost` counts, all of it. */
export function monthlyCosts(config: Config, region: string): DigestCost {
  return {
    dollarsPerGb: pricesOf(region).storage,
    monthly: (newest) => estimateCost(costPlanOf(config, newest, { region })).dollars,
  };
}
