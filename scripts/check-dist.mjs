// Loads every built package the way a user does: by `import` and by `require`, from dist.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkWalTarball } from './lib/check-wal-tarball.mjs';
import { ROOT } from './lib/toolchain.mjs';

let checked = 0;
for (const folder of readdirSync(join(ROOT, 'packages'))) {
  const base = join(ROOT, 'packages', folder);
  const manifest = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8'));
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (subpath === './package.json' || subpath === './testing') continue;
    const file = join(base, target.default);
    const imported = Object.keys(await import(pathToFileURL(file).href)).sort();
    const required = Object.keys(createRequire(import.meta.url)(file))
      .filter((name) => name !== '__esModule')
      .sort();
    if (imported.length === 0) throw new Error(`${manifest.name}${subpath.slice(1)} exports nothing`);
    if (imported.join() !== required.join())
      throw new Error(`${manifest.name}${subpath.slice(1)} differs between import and require`);
    readFileSync(join(base, target.types));
    checked += 1;
  }
}
// A package that needs more than loading (a worker found beside the code, say) brings its own check.
for (const folder of readdirSync(join(ROOT, 'packages'))) {
  const own = join(ROOT, 'packages', folder, 'scripts', 'check-dist.mjs');
  if (existsSync(own)) execFileSync(process.execPath, [own], { stdio: 'inherit' });
}
checkWalTarball(ROOT);
console.error(`${checked} entry points load by import and by require, and the log works from its tarball`);
