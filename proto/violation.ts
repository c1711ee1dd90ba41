// One broken rule of the contract.
export interface Violation {
  /** File and element, such as "ecommerce/v1/user.proto:UserService.GetUser". */
  readonly where: string;
  /** Stable id of the rule, such as "access.exactly-one". */
  readonly rule: string;
  /** What is wrong, with the value. */
  readonly message: string;
}

export type Report = (rule: string, message: string) => void;
