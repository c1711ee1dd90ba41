// The whole system with a simulated payment provider, and what a test needs to buy something in it.
import { startTestSystem, type TestSystem } from "./running-system.ts";
import { type Shop, shopAt } from "./shop.ts";

const SIMULATED = { PAYMENT_PROVIDER_URL: "", PAYMENT_PROVIDER_API_KEY: "", PAYMENT_WEBHOOK_SECRET: "" };

export interface ShopSystem extends TestSystem, Shop {}

/** Call it at the top of a test file. */
export async function startShopSystem(settings: Readonly<Record<string, string>> = {}): Promise<ShopSystem> {
  const test = await startTestSystem({ ...SIMULATED, ...settings });
  return { ...test, ...(await shopAt(test.system.grpc, test.bearer)) };
}
