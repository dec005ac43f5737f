import type { Plan } from '../../protocol/api/index.ts';

export interface PlanLimits {
  requestsPerMinute: number;
  /** Null: as many as they like. */
  queriesPerMonth: number | null;
}

/** What each plan allows. An enterprise without an agreement of its own has what a team has. */
const plans: Record<Plan, PlanLimits> = {
  free: { requestsPerMinute: 20, queriesPerMonth: 1_000 },
  pro: { requestsPerMinute: 100, queriesPerMonth: 50_000 },
  team: { requestsPerMinute: 500, queriesPerMonth: null },
  enterprise: { requestsPerMinute: 500, queriesPerMonth: null },
};

export interface Agreement {
  plan: Plan;
  /** What was agreed on besides; null: as the plan says. Only an enterprise has any. */
  requestsPerMinute: number | null;
  queriesPerMonth: number | null;
}

export function limitsOf({ plan, requestsPerMinute, queriesPerMonth }: Agreement): PlanLimits {
  const limits = plans[plan];
  if (plan !== 'enterprise') return limits;
  return {
    requestsPerMinute: requestsPerMinute ?? limits.requestsPerMinute,
    queriesPerMonth: queriesPerMonth ?? limits.queriesPerMonth,
  };
}
