// Makes the tables under ../fixtures/java with Iceberg Java, and beside each what Java itself reads of it.
//
//   npm run -s x -- node scripts/java-judge.mjs            prints a class path
//   DANUBE_JAVA_CLASSPATH=… DANUBE_PYTHON=… npm run -s x -- node --conditions=@danube/source \
//     packages/iceberg/test/interop/make-golden.ts [SHAPE…]
//
// Python (with pyarrow) is needed for the shape `name-mapping` alone, whose file no Iceberg writer made.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJson } from '../../src/json/json.ts';
import type { PrintedRow } from '../support/printed.ts';
import { deleteShapes } from './golden-delete-shapes.ts';
import { plainShapes } from './golden-plain-shapes.ts';
import type { Shape, ShapeContext } from './golden-shape-parts.ts';
import { type JavaManifest, type JavaReadOptions, type JavaTable, javaTable } from './java-table.ts';
import { startJavaJudge } from './judge-java.ts';

const fixtures = join(import.meta.dirname, '../fixtures/java');
const shapes: Readonly<Record<string, Shape>> = { ...deleteShapes, ...plainShapes };

/** Equal rows are counted, so that a file of many alike rows stays small. */
function counted(rows: readonly PrintedRow[]): (readonly [row: PrintedRow, times: number])[] {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(JSON.stringify(row), (counts.get(JSON.stringify(row)) ?? 0) + 1);
  return [...counts.keys()].sort().map((text) => [JSON.parse(text), counts.get(text) ?? 0] as const);
}

interface MetadataJson {
  readonly 'format-version': number;
  readonly snapshots?: readonly { readonly 'snapshot-id': bigint | number }[];
  readonly refs?: Readonly<Record<string, { readonly 'snapshot-id': bigint | number }>>;
}

async function expectation(table: JavaTable, { lineage, byHand }: ShapeContext): Promise<object> {
  const state = await table.load();
  const metadata = parseJson(state.metadata) as unknown as MetadataJson;
  const read = async (options: JavaReadOptions) => {
    const newest = options.snapshotId === undefined || options.snapshotId === state.snapshotId;
    return counted(byHand && newest ? byHand : await table.rows(options));
  };
  const rows = await read({});
  const lists: (readonly [snapshotId: string, list: readonly JavaManifest[], rows: unknown])[] = [];
  const manifests = new Map<string, JavaManifest>();
  for (const { 'snapshot-id': id } of metadata.snapshots ?? []) {
    const snapshotId = String(id);
    const list = await table.manifests({ snapshotId });
    for (const manifest of list) manifests.set(manifest.path, manifest);
    lists.push([snapshotId, list, await read({ snapshotId })]);
  }
  // A manifest is stated once, unless an older list says something else of it (its first row id).
  const listed = (manifest: JavaManifest) =>
    same(manifest, manifests.get(manifest.path)) ? manifest.path : manifest;
  const snapshots = Object.fromEntries(
    lists.map(([id, list, there]) => [id, { manifests: list.map(listed), rows: there }]),
  );
  const refs: Record<string, unknown> = {};
  for (const [ref, { 'snapshot-id': id }] of Object.entries(metadata.refs ?? {})) {
    const there = await read({ ref });
    // A branch is read with the newest schema, a snapshot with its own: mostly they are one.
    refs[ref] = same(there, snapshots[String(id)]?.rows) ? String(id) : there;
  }
  const columns = [...Object.keys(rows[0]?.[0] ?? {}), '_row_id', '_last_updated_sequence_number'];
  return {
    metadata: state.metadataLocation,
    formatVersion: metadata['format-version'],
    rows: same(rows, snapshots[String(state.snapshotId)]?.rows) ? state.snapshotId : rows,
    ...(byHand ? { byHand: true } : {}),
    ...(lineage ? { lineage: counted(await table.rows({ columns })) } : {}),
    refs,
    snapshots,
    manifests: [...manifests.values()],
  };
}

const same = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

/** JSON with short things, rows and manifest entries on a line of their own. */
function format(value: unknown, depth = 0): string {
  const flat = JSON.stringify(value);
  const isRow = Array.isArray(value) && typeof value[1] === 'number';
  const isEntry = value !== null && typeof value === 'object' && 'status' in value;
  if (flat.length < 100 || isRow || isEntry || value === null || typeof value !== 'object') return flat;
  const indent = ' '.repeat(depth + 1);
  const lines = Array.isArray(value)
    ? value.map((item) => format(item, depth + 1))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${format(item, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.map((line) => indent + line).join(',\n')}\n${' '.repeat(depth)}${close}`;
}

/** Only the newest metadata file is kept; nothing reads the others. */
function dropOldMetadata(folder: string, newest: string): void {
  for (const name of readdirSync(join(folder, 'metadata'))) {
    if (name.includes('.metadata.json') && !newest.endsWith(name)) rmSync(join(folder, 'metadata', name));
  }
}

async function make(names: readonly string[]): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'iceberg-golden-'));
  const judge = startJavaJudge();
  try {
    const versions = await judge.request<object>('versions');
    console.log(versions);
    for (const name of names) {
      const shape = shapes[name];
      if (!shape) throw new Error(`no shape ${name}; there are ${Object.keys(shapes).join(', ')}`);
      const folder = join(fixtures, name);
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      const table = javaTable(judge, {
        catalog: { file: join(temporary, 'catalog.db'), name: 'golden', warehouse: 'file:///danube-golden' },
        table: `golden.${name}`,
        map: { from: 'file:///danube-golden/', to: `${fixtures}/` },
      });
      const context: ShapeContext = { folder };
      await shape(table, context);
      const expected = await expectation(table, context);
      dropOldMetadata(folder, (expected as { metadata: string }).metadata);
      writeFileSync(join(folder, 'expected.json'), `${format({ writer: versions, ...expected })}\n`);
      console.log(name);
    }
  } finally {
    await judge.close();
    rmSync(temporary, { recursive: true, force: true });
  }
}

const given = process.argv.slice(2);
await make(given.length > 0 ? given : Object.keys(shapes));
