// `npm run soak -- PART`: named, resumable long runs. Each writes its figures to apps/bench/results/soak-PART.json.
import { join } from 'node:path';
import { interopPython } from './lib/python.mjs';
import { say } from './lib/stages.mjs';
import { passSignalsOn, ROOT, run } from './lib/toolchain.mjs';

const parts = {
  'kill-loop': {
    what: '200 × kill -9 under load, restart, resume; PyIceberg and DuckDB compare every acknowledged message (about 15 minutes)',
    file: 'apps/broker/test/crash/kill-loop.soak.ts',
    judges: true,
  },
};

const [name] = process.argv.slice(2);
const part = parts[name];
if (part === undefined) {
  say('npm run soak -- PART\n');
  for (const [known, { what }] of Object.entries(parts)) say(`  ${known.padEnd(12)} ${what}`);
  process.exit(name === undefined ? 0 : 2);
}
passSignalsOn();
const env = { ...process.env };
if (part.judges) {
  const found = await interopPython();
  if (!found.python) {
    say(`This part needs the Python judges: ${found.reason}.`);
    process.exit(1);
  }
  env.DANUBE_PYTHON = found.python;
}
process.exit(await run(process.execPath, ['--conditions=@danube/source', join(ROOT, part.file)], { env }));
