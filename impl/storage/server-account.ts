// PostgreSQL refuses to run as root. This chooses the unprivileged account it runs as when we are root, and
// tells whether that account can read a path. It creates no accounts and changes no permissions.
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

export type ServerAccount = { readonly uid: number; readonly gid: number };

/** Tried in this order; `nobody` exists where no PostgreSQL was ever installed. */
const candidates = ["postgres", "nobody"];

/**
 * The account to start the server as; undefined means "as ourselves", which is right unless we are root.
 * An existing cluster keeps the owner it has.
 */
export async function serverAccount(clusterOwner?: ServerAccount): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (clusterOwner !== undefined && clusterOwner.uid !== 0) return clusterOwner;
  const accounts = await readFile("/etc/passwd", "utf8").catch(() => "");
  for (const name of candidates) {
    const [, , uid, gid] = accounts.match(new RegExp(`^${name}:.*$`, "m"))?.[0].split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new EmbeddedPostgresError(
    "NO_ACCOUNT",
    `running as root, and PostgreSQL must not: /etc/passwd has none of the accounts ${candidates.join(", ")}; run as another user or set DATABASE_URL`,
  );
}

/** Whether `account` may read (for a directory: enter) `path`, by mode bits alone: ACLs count as "no". */
export async function canRead(account: ServerAccount, path: string): Promise<boolean> {
  const own = await stat(path);
  if (!grants(account, own, own.isDirectory() ? 5 : 4)) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!grants(account, await stat(folder), 1)) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** `wanted` is one octal digit of rwx. */
function grants(account: ServerAccount, file: { uid: number; gid: number; mode: number }, wanted: number) {
  const shift = file.uid === account.uid ? 6 : file.gid === account.gid ? 3 : 0;
  return ((file.mode >> shift) & wanted) === wanted;
}
