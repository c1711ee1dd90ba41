// The random choices of the provider: how long a request takes, and what it suffers. The same behaviour and the same sequence of
// requests give the same choices.
import type { Behavior, Range } from "./behavior.ts";
import { EFFECT_NAMES, type Effect } from "./effects.ts";
import type { OperationKind } from "./operation.ts";
import { seededRandom } from "./seeded-random.ts";
import type { CardBehavior } from "./test-cards.ts";

export interface Faults {
  /** A new behaviour begins a new sequence. */
  configure(behavior: Behavior): void;
  latencyMs(): number;
  /** True while a burst refuses every request. */
  refuses(): boolean;
  /** What this request of an operation suffers. A key suffers once. */
  effectOn(kind: OperationKind, key: string, card: CardBehavior): Effect | undefined;
  webhookDelayMs(): number;
  webhookIsDuplicated(): boolean;
}

export function createFaults(initial: Behavior): Faults {
  let behavior = initial;
  let random = seededRandom(initial.seed);
  let refusalsLeft = 0;
  const suffered = new Set<string>();
  const within = ({ min, max }: Range): number => (max === min ? min : min + random() * (max - min));
  return {
    configure(changed) {
      behavior = changed;
      random = seededRandom(changed.seed);
      refusalsLeft = 0;
    },
    latencyMs: () => within(behavior.latencyMs),
    refuses() {
      const { rate, length } = behavior.bursts;
      if (refusalsLeft === 0 && rate > 0 && random() < rate) refusalsLeft = length;
      if (refusalsLeft === 0) return false;
      refusalsLeft -= 1;
      return true;
    },
    effectOn(kind, key, card) {
      const effect = card.effects?.[kind] ?? drawn(behavior.effects, random);
      if (effect === undefined || suffered.has(key)) return undefined;
      suffered.add(key);
      return effect;
    },
    webhookDelayMs: () => within(behavior.webhooks.delayMs),
    webhookIsDuplicated: () =>
      behavior.webhooks.duplicateRate > 0 && random() < behavior.webhooks.duplicateRate,
  };
}

function drawn(shares: Behavior["effects"], random: () => number): Effect | undefined {
  if (EFFECT_NAMES.every((name) => shares[name] === 0)) return undefined;
  let left = random();
  return EFFECT_NAMES.find((name) => {
    left -= shares[name];
    return left < 0;
  });
}
