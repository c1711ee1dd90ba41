// Kysely's query executor with another meaning of `{ signal }`: the signal reaches the connection, which cancels
// the query in the database, and the promise settles when nothing of it runs any more. Kysely's own executor
// rejects first and cancels in the background, cannot cancel inside a transaction, reports cancelled queries on
// the console, and costs a query with a signal that never aborts three times as much.
import {
  type AbortableOperationOptions,
  type CompiledQuery,
  type ConnectionProvider,
  DefaultQueryExecutor,
  type DialectAdapter,
  type KyselyPlugin,
  type QueryCompiler,
  type QueryResult,
  type UnknownRow,
} from "kysely";

export class CancellingExecutor extends DefaultQueryExecutor {
  readonly #compiler: QueryCompiler;
  readonly #connections: ConnectionProvider;

  constructor(
    compiler: QueryCompiler,
    adapter: DialectAdapter,
    connections: ConnectionProvider,
    plugins: readonly KyselyPlugin[] = [],
  ) {
    super(compiler, adapter, connections, [...plugins]);
    this.#compiler = compiler;
    this.#connections = connections;
  }

  override async executeQuery<R>(
    query: CompiledQuery,
    options?: AbortableOperationOptions,
  ): Promise<QueryResult<R>> {
    const { queryId } = query;
    let result = await this.provideConnection(
      (connection) => connection.executeQuery<R>(query, options),
      options,
    );
    for (const plugin of this.plugins) {
      result = asRows<R>(await plugin.transformResult({ queryId, result: asUnknown(result) }));
    }
    return result;
  }

  override withPlugins(plugins: readonly KyselyPlugin[]): CancellingExecutor {
    return this.#with(this.#connections, [...this.plugins, ...plugins]);
  }

  override withPlugin(plugin: KyselyPlugin): CancellingExecutor {
    return this.#with(this.#connections, [...this.plugins, plugin]);
  }

  override withPluginAtFront(plugin: KyselyPlugin): CancellingExecutor {
    return this.#with(this.#connections, [plugin, ...this.plugins]);
  }

  override withConnectionProvider(connections: ConnectionProvider): CancellingExecutor {
    return this.#with(connections, this.plugins);
  }

  override withoutPlugins(): CancellingExecutor {
    return this.#with(this.#connections, []);
  }

  #with(connections: ConnectionProvider, plugins: readonly KyselyPlugin[]): CancellingExecutor {
    return new CancellingExecutor(this.#compiler, this.adapter, connections, plugins);
  }
}

/** A plugin knows rows of no type; these two are the border. */
function asUnknown<R>(result: QueryResult<R>): QueryResult<UnknownRow> {
  return result as QueryResult<UnknownRow>;
}

function asRows<R>(result: QueryResult<UnknownRow>): QueryResult<R> {
  return result as QueryResult<R>;
}
