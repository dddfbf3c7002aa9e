import type { DigestCost } from '../../core/commands/check/digest.ts';
import { costPlanOf } from '../../core/contract/cloud/cost-plan.ts';
import type { Config } from '../../core/contract/config/config.ts';
import { estimateCost } from '../../core/domain/cost/cost.ts';
import { pricesOf } from '../../core/domain/cost/prices.ts';

/**
 * The cost of a month by the region's list prices: of a stored gigabyte, and of everything, as `nightjar cost` counts.
 */
export function monthlyCosts(config: Config, region: string): DigestCost {
  return {
    dollarsPerGb: pricesOf(region).storage,
    monthly: (newest) => estimateCost(costPlanOf(config, newest, { region })).dollars,
  };
}
