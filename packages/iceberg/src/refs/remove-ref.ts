import { IcebergError } from '../errors.ts';
import { mainBranch } from '../metadata/snapshot.ts';
import { refByName } from '../metadata/table-metadata.ts';
import type { TableOperation } from '../transaction/table-operation.ts';
import { checkRefName } from './create-ref.ts';
import { checkState, refProblem } from './ref-checks.ts';
import { refPlan, setRef } from './ref-update.ts';

/**
 * Removes a branch or tag. Its snapshots stay until `expireSnapshots` finds nothing that keeps them. Lands only while
 * the ref is where this attempt found it.
 *
 * Errors: `INVALID_ARGUMENT` for `main` and for a ref that does not exist, `COMMIT_CONFLICT` if others removed it
 * meanwhile.
 */
export function removeRef(name: string): TableOperation {
  checkNotMain(name, 'removed');
  return {
    name: 'removeRef',
    plan(context) {
      checkState(context, (metadata) => refProblem(metadata, name));
      return refPlan(context, [{ action: 'remove-snapshot-ref', refName: name }], [name]);
    },
  };
}

/**
 * Gives a branch another name; snapshot and retention settings stay. Lands only while the branch is where this attempt
 * found it and the new name is free.
 *
 * Errors: `INVALID_ARGUMENT` for `main`, a tag, a branch that does not exist, a name that is taken; `COMMIT_CONFLICT`
 * when others made it so.
 */
export function renameBranch(name: string, newName: string): TableOperation {
  checkNotMain(name, 'renamed');
  checkRefName(newName);
  return {
    name: 'renameBranch',
    plan(context) {
      checkState(context, (metadata) => refProblem(metadata, name, 'branch'));
      checkState(context, (metadata) =>
        refByName(metadata, newName) === undefined
          ? undefined
          : { message: `the table has a ref ${newName} already`, context: { ref: newName } },
      );
      const ref = refByName(context.metadata, name)!;
      const updates = [{ action: 'remove-snapshot-ref', refName: name } as const, setRef(newName, ref)];
      return refPlan(context, updates, [name, newName]);
    },
  };
}

function checkNotMain(name: string, what: string): void {
  if (name !== mainBranch) return;
  throw new IcebergError('INVALID_ARGUMENT', `main cannot be ${what}`, { context: { ref: name } });
}
