// Databases of a run's own on a server that may be somebody else's.

import { Client } from "pg";

/** Gives its URL. `name` must not be there yet; `template` is a database to copy, to which nobody may be connected; default: an empty one. */
export async function createDatabase(server: string, name: string, template?: string): Promise<string> {
  await withClient(server, async (client) => {
    const from = template === undefined ? "" : ` template ${client.escapeIdentifier(template)}`;
    await client.query(`create database ${client.escapeIdentifier(name)}${from}`);
  });
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** After an import or a copy: settles what would else be settled in the background at a time of its own for each. */
export async function settleDatabase(url: string): Promise<void> {
  await withClient(url, (client) => client.query("vacuum (analyze)"));
}

/** Those whose name begins with the prefix, whoever is connected to them. */
export async function dropDatabases(server: string, prefix: string): Promise<void> {
  await withClient(server, async (client) => {
    const found = await client.query<{ datname: string }>(
      "select datname from pg_database where starts_with(datname, $1)",
      [prefix],
    );
    for (const { datname } of found.rows) {
      await client.query(`drop database ${client.escapeIdentifier(datname)} with (force)`);
    }
  });
}

/** Such as "18.4"; rejects when the server does not let us in. */
export async function serverVersion(server: string): Promise<string> {
  const { rows } = await withClient(server, (client) =>
    client.query<{ server_version: string }>("show server_version"),
  );
  return rows[0]?.server_version.split(" ")[0] ?? "";
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
