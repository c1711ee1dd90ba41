// The status of a callee that is passed on as it came. An ordinary error of a call to another service never becomes the status of the
// call that made it; whoever forwards calls as its purpose throws this.
import type { Status } from "./status.ts";

export class ForwardedStatus extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message);
    this.name = "ForwardedStatus";
    this.status = status;
  }
}
