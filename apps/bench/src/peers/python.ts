const finder = new URL('../../../scripts/lib/python.mjs', import.meta.url);

/**
 * The Python of the interop tier, with PyIceberg in it; made on first use, as `npm test` does. `DANUBE_PYTHON` names
 * another one.
 */
export async function judgesPython(): Promise<string> {
  const named = process.env.DANUBE_PYTHON;
  if (named !== undefined) return named;
  const { interopPython } = (await import(finder.href)) as {
    interopPython(): Promise<{ python?: string; reason?: string }>;
  };
  const { python, reason } = await interopPython();
  if (python === undefined) throw new Error(`This scenario needs PyIceberg: ${reason}.`);
  return python;
}
