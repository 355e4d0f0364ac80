// A broker with the plan's own configuration example, over Apache's REST catalog server and a signing S3 server.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { expectDelivered, expectStored } from '../../apps/broker/test/interop/python-client.ts';
import { runInOwnNamespaces } from '../support/own-namespaces.ts';
import type { PlanReport } from './plan-scenario.ts';

const MESSAGES = 2000;
const KILLS = 4;
const SCENARIO = fileURLToPath(new URL('./plan-scenario.ts', import.meta.url));

/**
 * The YAML below "Configuration Example" of the plan that this repository was made from, byte for byte. It names ports
 * and a directory of the machine, which is why all of this runs in namespaces of its own.
 */
const PLAN = fileURLToPath(new URL('./fixtures/plan-storage.yml', import.meta.url));

/** The two lines for a server other than Amazon's are comments in the plan; nothing else is changed. */
function opened(yaml: string): string {
  const lines = yaml.split('\n');
  const isOpened = (line: string) => /^ +# (?:endpoint|path_style): /.test(line);
  expect(lines.filter(isOpened)).toHaveLength(2);
  return lines.map((line) => (isOpened(line) ? line.replace('# ', '') : line)).join('\n');
}

test(`the plan's configuration: danube-client 0.5.0 and all readers agree on 2,000 messages; over ${KILLS} kills no acknowledged one is lost or twice`, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'danube-plan-'));
  try {
    await writeFile(join(dir, 'broker.yml'), opened(await readFile(PLAN, 'utf8')));
    console.log(await runInOwnNamespaces(SCENARIO, [dir, String(MESSAGES), String(KILLS)]));
    const report = JSON.parse(await readFile(join(dir, 'report.json'), 'utf8')) as PlanReport;
    const { since, run, table, kills } = report;
    expectDelivered(run, MESSAGES, since);
    expectStored(run, table);
    expect(Object.keys(table.readers).sort()).toEqual(['duckdb', 'pyiceberg-catalog', 'pyiceberg-static']);
    expect(kills.violations).toEqual([]);
    expect(kills.acked).toBeGreaterThan(0);
    for (const [name, seen] of Object.entries(kills.readers))
      expect(seen, name).toEqual(kills.readers['pyiceberg-static']);
    console.log({ acked: kills.acked, consumed: kills.consumed, hits: kills.hits });
  } finally {
    await rm(dir, { recursive: true });
  }
}, 300_000);
