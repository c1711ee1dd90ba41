/** What storage needs of a logger: a part of pino's, so that any pino logger (or a recording fake) fits. */
export type StorageLog = {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
};

/** For callers that do not want to hear anything. */
export const silentLog: StorageLog = { debug() {}, info() {}, warn() {}, error() {} };
