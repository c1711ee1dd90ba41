// Between what queues notifications and what delivers them, in one process: a word that there is something to do.
import type { Clock } from "#impl/runtime/clock.ts";
import { NotificationChannel } from "./notification.ts";
import { createWakeUp, type WakeUp } from "./wake-up.ts";

export interface DeliverySignals {
  /** To be called once what was queued is committed. Without effect when nobody in this process works the channel. */
  wake(channel: NotificationChannel): void;
  of(channel: NotificationChannel): WakeUp;
}

export function createDeliverySignals(clock: Clock): DeliverySignals {
  const wakeUps = new Map(
    Object.values(NotificationChannel).map((channel) => [channel, createWakeUp(clock)]),
  );
  return {
    wake: (channel) => wakeUps.get(channel)?.wake(),
    of(channel) {
      const wakeUp = wakeUps.get(channel);
      if (wakeUp === undefined) throw new RangeError(`channel ${channel}: there is no such channel`);
      return wakeUp;
    },
  };
}
