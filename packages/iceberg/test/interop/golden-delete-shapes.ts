import type { Printed, PrintedRow } from '../support/printed.ts';
import type { Shape } from './golden-shape-parts.ts';
import { byRegion, create, double, field, idAndRegion, only, rowsOf, text } from './golden-shape-parts.ts';

export const deleteShapes: Readonly<Record<string, Shape>> = {
  /** One delete file for two data files, then one for a single file; a file appended later is not touched. */
  'position-deletes': async (table) => {
    await create(table, 'position-deletes', idAndRegion);
    const first = only(await table.writeData(rowsOf(0, 20)));
    const second = only(await table.writeData(rowsOf(20, 40)));
    await table.commit({ type: 'fastAppend', add: [first, second] });
    const both = await table.writePositionDeletes({ [first]: [0, 5, 6, 7, 19], [second]: [3] });
    await table.commit({ type: 'rowDelta', addDeletes: both });
    await table.commit({
      type: 'rowDelta',
      addDeletes: await table.writePositionDeletes({ [second]: [3, 4, 18] }),
    });
    await table.append(rowsOf(40, 45));
  },

  /** A delete file for each partition (one of them null), and one for each data file; a file whose rows all are gone. */
  'position-deletes-partitioned': async (table) => {
    await create(table, 'position-deletes-partitioned', idAndRegion, { spec: byRegion });
    const files = await table.writeData(rowsOf(0, 30, ['eu', 'us', null]));
    const more = await table.writeData(rowsOf(30, 36, ['eu', 'us', null]));
    await table.commit({ type: 'fastAppend', add: [...files, ...more] });
    const deletes = Object.fromEntries(files.map((file, i) => [file, [i, i + 4]]));
    await table.commit({ type: 'rowDelta', addDeletes: await table.writePositionDeletes(deletes) });
    const all = { [more[0]!]: [0, 1], [more[1]!]: [1] };
    await table.commit({
      type: 'rowDelta',
      addDeletes: await table.writePositionDeletes(all, { each: true }),
    });
  },

  /**
   * Unpartitioned, so every delete is global. Null equals null. A key deleted and written again lives; a delete does
   * not touch rows of its own commit.
   */
  'equality-deletes': async (table) => {
    await create(table, 'equality-deletes', {
      type: 'struct',
      fields: [field(1, 'id', 'long', true), field(2, 's', 'string'), field(3, 'n', 'int')],
    });
    const row = (id: number, s: string | null, n: number | null): PrintedRow => ({
      id: String(id),
      s: text(s),
      n: n === null ? null : String(n),
    });
    await table.append([
      row(1, 'a', 1),
      row(2, null, 1),
      row(3, 'b', null),
      row(4, null, null),
      row(5, 'a', 2),
    ]);
    await table.append([row(6, 'a', 1), row(7, '', 0), row(8, null, 2), row(9, 'c', 3)]);
    // Of two columns: (a, 1) and (null, null), but not (null, 1) or (b, null).
    const pairs = await table.writeEqualityDeletes(['s', 'n'], [row(0, 'a', 1), row(0, null, null)]);
    await table.commit({ type: 'rowDelta', addDeletes: pairs });
    // An upsert of 9: the new row is not touched by the delete of its own commit.
    const again = await table.writeData([row(9, 'c', 33), row(10, 'd', 4)]);
    const ids = await table.writeEqualityDeletes(['id'], [row(9, null, null), row(10, null, null)]);
    await table.commit({ type: 'rowDelta', add: again, addDeletes: ids });
    // Of one column, null alone: rows 2 and 8.
    const nulls = await table.writeEqualityDeletes(['s'], [row(0, null, null)]);
    await table.commit({ type: 'rowDelta', addDeletes: nulls });
    await table.append([row(11, null, null), row(12, 'a', 1)]);
  },

  /** A delete file applies in its own partition only; one of an unpartitioned spec applies everywhere. */
  'equality-deletes-partitioned': async (table) => {
    await create(table, 'equality-deletes-partitioned', idAndRegion, { spec: byRegion });
    await table.append(rowsOf(0, 12, ['eu', 'us', null]));
    // Row 1 is of region us: this delete of id 1 in region eu must not reach it, that of id 4 in us does.
    const scoped = await table.writeEqualityDeletes(
      ['id'],
      [
        { id: '0', region: text('eu') },
        { id: '1', region: text('eu') },
        { id: '4', region: text('us') },
        { id: '5', region: null },
      ],
    );
    await table.commit({ type: 'rowDelta', addDeletes: scoped });
    await table.commit({ type: 'spec', changes: [{ do: 'remove', name: 'region' }] });
    const global = await table.writeEqualityDeletes(
      ['id'],
      [
        { id: '6', region: null },
        { id: '7', region: null },
        { id: '8', region: null },
      ],
    );
    await table.commit({ type: 'rowDelta', addDeletes: global });
    await table.append([{ id: '100', region: text('eu') }]);
  },

  /** Deletes by columns that later were renamed and widened, or that older files lack. */
  'equality-deletes-evolved': async (table) => {
    await create(table, 'equality-deletes-evolved', {
      type: 'struct',
      fields: [field(1, 'id', 'long', true), field(2, 'n', 'int')],
    });
    const old = (id: number, n: number | null) => ({ id: String(id), n: n === null ? null : String(n) });
    await table.append([old(1, 10), old(2, 20), old(3, null), old(4, 40)]);
    const byN = await table.writeEqualityDeletes(['n'], [old(0, 20)]);
    await table.commit({ type: 'rowDelta', addDeletes: byN });
    await table.commit({
      type: 'schema',
      changes: [
        { do: 'widen', name: 'n', type: 'long' },
        { do: 'rename', name: 'n', to: 'number' },
        { do: 'add', name: 'added', type: 'string' },
      ],
    });
    const now = (id: number, number: string | null, added: string | null) => ({
      id: String(id),
      number,
      added: text(added),
    });
    await table.append([now(5, '9007199254740993', 'a'), now(6, '40', 'b'), now(7, '70', null)]);
    // Of a column read from files of both widths: rows 4 and 6.
    const wide = await table.writeEqualityDeletes(['number'], [now(0, '40', null)]);
    await table.commit({ type: 'rowDelta', addDeletes: wide });
    // Older files lack `added`: it is null there, so rows 1 and 3 go, and row 7.
    const byAdded = await table.writeEqualityDeletes(['added'], [now(0, null, null)]);
    await table.commit({ type: 'rowDelta', addDeletes: byAdded });
    await table.append([now(8, '10', null), now(9, '9007199254740993', 'c')]);
    const both = await table.writeEqualityDeletes(['number', 'added'], [now(0, '9007199254740993', 'a')]);
    await table.commit({ type: 'rowDelta', addDeletes: both });
  },

  /**
   * A delete by a column that was dropped afterwards: the specification keeps it in force. Iceberg Java 1.12.0 fails to
   * read such a table ("Cannot find required field for ID 2"), so its rows are stated here.
   */
  'equality-deletes-dropped-column': async (table, context) => {
    await create(table, 'equality-deletes-dropped-column', {
      type: 'struct',
      fields: [field(1, 'id', 'long', true), field(2, 'gone', 'string'), field(3, 'kept', 'string')],
    });
    const row = (id: number, gone: string | null) => ({
      id: String(id),
      gone: text(gone),
      kept: text(`k${id}`),
    });
    await table.append([row(1, 'x'), row(2, 'y'), row(3, null)]);
    const byGone = await table.writeEqualityDeletes(['gone'], [row(0, 'x'), row(0, null)]);
    await table.commit({ type: 'rowDelta', addDeletes: byGone });
    await table.commit({ type: 'schema', changes: [{ do: 'drop', name: 'gone' }] });
    await table.append([{ id: '4', kept: 's:k4' }]);
    context.byHand = [
      { id: '2', kept: 's:k2' },
      { id: '4', kept: 's:k4' },
    ];
  },

  /** A delete by each type of column, each with a row that differs by as little as can be. */
  'equality-deletes-types': async (table) => {
    const types: readonly (readonly [type: string, deleted: Printed, near: Printed])[] = [
      ['boolean', true, false],
      ['int', '-1', '1'],
      ['long', '9007199254740993', '9007199254740992'],
      ['float', double(Number.NaN), double(0.5)],
      ['float', double(-0), double(0)],
      ['double', double(0), double(-0)],
      ['double', double(Number.NaN), double(Number.POSITIVE_INFINITY)],
      ['date', '-1', '0'],
      ['time', '86399999999', '86399999998'],
      ['timestamp', '-1', '0'],
      ['timestamptz', '1700000000000001', '1700000000000000'],
      ['string', 's:ü😀', 's:u\u0308😀'],
      ['uuid', 's:00000000-0000-4000-8000-00000000000a', 's:00000000-0000-4000-8000-00000000000b'],
      ['fixed[2]', 'x:00ff', 'x:ff00'],
      ['binary', 'x:', 'x:00'],
      ['decimal(9,2)', '-1', '1'],
      ['decimal(38,10)', '12345678901234567890123456789', '12345678901234567890123456788'],
    ];
    const names = types.map(([type], i) => `c${i}_${type.replace(/\W.*/, '')}`);
    await create(table, 'equality-deletes-types', {
      type: 'struct',
      fields: [field(1, 'id', 'int', true), ...types.map(([type], i) => field(i + 2, names[i]!, type))],
    });
    const nothing = Object.fromEntries(names.map((name) => [name, null]));
    const all = types.flatMap(([, deleted, near], i) => [
      { ...nothing, id: String(10 * i), [names[i]!]: deleted },
      { ...nothing, id: String(10 * i + 1), [names[i]!]: near },
    ]);
    await table.append(all);
    const deletes: string[] = [];
    for (const [i, [, deleted]] of types.entries()) {
      const row = { ...nothing, id: '0', [names[i]!]: deleted };
      deletes.push(...(await table.writeEqualityDeletes([names[i]!], [row])));
    }
    await table.commit({ type: 'rowDelta', addDeletes: deletes });
  },

  /** Position and equality deletes of the same files, in one commit and apart; a data file of another spec. */
  'mixed-deletes': async (table) => {
    await create(table, 'mixed-deletes', idAndRegion, { spec: byRegion });
    const files = await table.writeData(rowsOf(0, 10, ['eu', 'us']));
    await table.commit({ type: 'fastAppend', add: files });
    const positions = await table.writePositionDeletes({ [files[0]!]: [0] });
    const keys = await table.writeEqualityDeletes(
      ['id'],
      [
        { id: '2', region: text('eu') },
        { id: '3', region: text('us') },
      ],
    );
    await table.commit({ type: 'rowDelta', addDeletes: [...positions, ...keys] });
    await table.commit({
      type: 'spec',
      changes: [{ do: 'add', source: 'id', transform: 'bucket[2]', name: 'id_bucket' }],
    });
    const later = await table.writeData(rowsOf(10, 20, ['eu', 'us']));
    await table.commit({ type: 'fastAppend', add: later });
    const { snapshotId } = await table.commit({
      type: 'rowDelta',
      addDeletes: await table.writePositionDeletes({ [later[0]!]: [0], [files[1]!]: [4] }),
    });
    // Rewriting one file drops its rows that were deleted, and keeps the old data sequence number.
    const left = rowsOf(4, 10, ['eu', 'us']).filter(({ region }) => region === 's:eu');
    const add = await table.writeData(left, { specId: 0 });
    const rewrite = { type: 'rewriteFiles', remove: [files[0]!], add, dataSequenceNumber: 1 };
    await table.commit({ ...rewrite, validateFrom: snapshotId });
  },

  /** v3. A vector of each kind of container: some positions, one run, and more than 4,096 scattered ones. */
  'deletion-vectors': async (table) => {
    const schema = { type: 'struct', fields: [field(1, 'n', 'int', true)] };
    await create(table, 'deletion-vectors', schema, {}, 3);
    const groups = (count: number, offset: number) =>
      Array.from({ length: count }, (_, i) => ({ n: String(offset + Math.floor(i / 100)) }));
    const sparse = only(await table.writeData(groups(1000, 0)));
    const run = only(await table.writeData(groups(6000, 1000)));
    const dense = only(await table.writeData(groups(12000, 2000)));
    const wide = only(await table.writeData(groups(70_000, 3000)));
    const whole = only(await table.writeData(groups(150, 4000)));
    await table.append(groups(100, 5000));
    await table.commit({ type: 'fastAppend', add: [sparse, run, dense, wide, whole] });
    // Squares modulo a prime are irregular enough to be no run.
    const scattered = Array.from({ length: 12_000 }, (_, i) => i).filter((i) => (i * i) % 11 < 5);
    const { files } = await table.writeDeletionVectors({
      [sparse]: [0, 1, 99, 500, 999],
      [run]: [[150, 5500]],
      [dense]: scattered,
      // Three containers' worth of keys: positions on both sides of 65,536.
      [wide]: [0, 65_535, 65_536, [69_000, 70_000]],
      [whole]: [[0, 150]],
    });
    const { snapshotId } = await table.commit({ type: 'rowDelta', addDeletes: files });
    // Another vector for the same file absorbs and replaces the one that is there.
    const more = await table.writeDeletionVectors({ [sparse]: [2, 998] });
    const replace = { type: 'rowDelta', addDeletes: more.files, removeDeletes: more.replaced };
    await table.commit({ ...replace, validateFrom: snapshotId });
  },

  /**
   * A v2 table with position deletes, upgraded to v3. A vector absorbs a delete file of its data file, which goes, and
   * one that covers two data files, which stays in force for the other alone.
   */
  'deletion-vectors-upgraded': async (table) => {
    await create(table, 'deletion-vectors-upgraded', idAndRegion, { spec: byRegion });
    const [eu, us] = (await table.writeData(rowsOf(0, 20, ['eu', 'us']))) as [string, string];
    const [eu2] = (await table.writeData(rowsOf(100, 110, ['eu']))) as [string];
    await table.commit({ type: 'fastAppend', add: [eu, us, eu2] });
    const alone = await table.writePositionDeletes({ [us]: [2, 3] });
    const shared = await table.writePositionDeletes({ [eu]: [0, 1], [eu2]: [4, 5] });
    const { snapshotId } = await table.commit({ type: 'rowDelta', addDeletes: [...alone, ...shared] });
    await table.commit({ type: 'properties', set: { 'format-version': '3' } });
    const { files, replaced } = await table.writeDeletionVectors({ [eu]: [9], [us]: [0] });
    const vectors = { type: 'rowDelta', addDeletes: files, removeDeletes: replaced };
    await table.commit({ ...vectors, validateFrom: snapshotId });
    const keys = await table.writeEqualityDeletes(['id'], [{ id: '10', region: text('eu') }]);
    await table.commit({ type: 'rowDelta', addDeletes: keys });
    await table.append(rowsOf(20, 24, ['eu', 'us']));
  },
};
