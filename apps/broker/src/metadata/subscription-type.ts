/** Who may consume a subscription at the same time. */
export type SubscriptionType = 'exclusive' | 'shared';
