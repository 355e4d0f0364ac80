import type { TableUpdate } from '../catalog/table-update.ts';
import type { SnapshotRef } from '../metadata/snapshot.ts';
import { assertRef } from '../transaction/requirements.ts';
import type { OperationContext, OperationPlan } from '../transaction/table-operation.ts';

/** The update that makes a ref this; members nobody knows stay with the ref by themselves. */
export function setRef(refName: string, ref: SnapshotRef): TableUpdate {
  const { extra: _, ...known } = ref;
  return { action: 'set-snapshot-ref', refName, ...known };
}

/** A plan that holds only while the refs it was decided on are where the attempt's base has them. */
export function refPlan(
  context: OperationContext,
  updates: readonly TableUpdate[],
  refsRead: readonly string[],
): OperationPlan {
  return { updates, requirements: refsRead.map((name) => assertRef(context.base, name)) };
}
