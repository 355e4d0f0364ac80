import { applyCommit } from '../../src/catalog/apply-commit.ts';
import { IcebergError, type IcebergErrorCode } from '../../src/errors.ts';
import type { TableMetadata } from '../../src/metadata/table-metadata.ts';
import { formatTableMetadata, parseTableMetadata } from '../../src/metadata/table-metadata-json.ts';
import { requirementsFor } from '../../src/transaction/requirements.ts';
import type {
  OperationContext,
  OperationPlan,
  TableOperation,
} from '../../src/transaction/table-operation.ts';

/** What an operation without files is planned on. `base`, and `start` if others committed since. */
export function evolutionContext(
  metadata: TableMetadata,
  { base = metadata, start = base }: { base?: TableMetadata; start?: TableMetadata } = {},
): OperationContext {
  const refuse = async (): Promise<never> => {
    throw new Error('a change of metadata touches no files');
  };
  return {
    metadata,
    base,
    start,
    io: { readFile: refuse, readRange: refuse, fileSize: refuse, writeFile: refuse, deleteFile: refuse },
    attempt: 1,
    nowMs: metadata.lastUpdatedMs,
    commitUuid: '00000000-0000-4000-8000-000000000000',
    once: (_name, make) => make(),
    newManifestLocation: () => 'mem://none',
    writeFile: refuse,
  };
}

/** Plans an operation; these need no waiting. */
export function planOf(operation: TableOperation, context: OperationContext): OperationPlan {
  return operation.plan(context) as OperationPlan;
}

/** The table after operations, each committed by itself; every state must be written and read back as it is. */
export function evolve(base: TableMetadata, ...operations: readonly TableOperation[]): TableMetadata {
  let metadata = base;
  for (const operation of operations) {
    const { updates, requirements = [] } = planOf(operation, evolutionContext(metadata));
    metadata = applyCommit(metadata, {
      requirements: [...requirementsFor(metadata, updates), ...requirements],
      updates,
    });
    const read = parseTableMetadata(formatTableMetadata(metadata));
    if (formatTableMetadata(read) !== formatTableMetadata(metadata)) throw new Error('not read as written');
  }
  return metadata;
}

/** The code and message of the error that it must throw. */
export function refusal(run: () => unknown): { readonly code: IcebergErrorCode; readonly message: string } {
  try {
    run();
  } catch (error) {
    if (IcebergError.is(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}
