// The table of the registry as rows, and a row as the instance it stands for.
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import { Instance, type InstanceState } from "#proto/ecommerce/v1/registry.ts";

/** For `migrate`, together with `eventTables` of the same schema: what must be there before the service runs. */
export const registrySchema: MigrationOptions = {
  schema: "registry",
  folder: new URL("./migrations/", import.meta.url),
};

export interface RegistryTables {
  "registry.instances": InstancesTable;
}

interface InstancesTable {
  instance_id: string;
  content: Uint8Array;
  services: string[];
  state: InstanceState;
  lease_ms: number;
  expire_time: Date;
}

export const INSTANCE_COLUMNS = ["content", "state", "expire_time"] as const;

export function instanceOf(row: Pick<InstancesTable, (typeof INSTANCE_COLUMNS)[number]>): Instance {
  return { ...Instance.decode(row.content), state: row.state, expireTime: row.expire_time };
}

/** What is told of an instance beside its state and lease. The same for the same instance. */
export function contentOf(instance: Instance): Buffer {
  const labels = Object.fromEntries(Object.entries(instance.labels).sort());
  return Buffer.from(Instance.encode({ ...instance, labels, state: 0, expireTime: undefined }).finish());
}
