// A database for each arm on one server: a head may change the schema, which a base must neither see nor be helped by, and
// one server means one buffer pool and one set of neighbours for both.

import { Client } from "pg";

/**
 * Creates a database and gives its URL. `name` must be a plain identifier; `template` is the name of a database to copy, to which
 * nobody may be connected; default: an empty one.
 */
export async function createDatabase(serverUrl: string, name: string, template?: string): Promise<string> {
  await withClient(serverUrl, async (client) => {
    const from = template === undefined ? "" : ` TEMPLATE ${client.escapeIdentifier(template)}`;
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}${from}`);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** After an import or a copy: settles what would else be settled in the background at a time of its own for each. */
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
