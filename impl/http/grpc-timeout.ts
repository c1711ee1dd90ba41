// The header Grpc-Timeout: up to eight digits and a unit.

const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds; undefined when it is none. */
export function timeoutMs(header: string): number | undefined {
  const [, digits, unit = ""] = TIMEOUT.exec(header) ?? [];
  const factor = UNIT_MS[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
