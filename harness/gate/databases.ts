// A database for each arm on one server: a head may change the schema, which a base must neither see nor be helped by, and
// one server means one buffer pool and one set of neighbours for both.

import { Client } from "pg";

/** Creates them and gives their URLs in the order of the names, which must be plain identifiers. */
export async function createDatabases(serverUrl: string, names: readonly string[]): Promise<string[]> {
  await withClient(serverUrl, async (client) => {
    for (const name of names) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  });
  return names.map((name) => {
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    return url.href;
  });
}

/** After the same import: settles what would else be settled in the background at a time of its own for each. */
export async function settleDatabase(url: string): Promise<void> {
  await withClient(url, (client) => client.query("VACUUM (ANALYZE)"));
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
