// A process of support that lives until it is killed. node support-process.ts <database url> <limits as JSON>; prints its address.
import { startSupportServer } from "./support-server.ts";

const [url = "", limits = "{}"] = process.argv.slice(2);
const { server } = await startSupportServer({ url, limits: JSON.parse(limits) });
process.stdout.write(`${server.address}\n`);
