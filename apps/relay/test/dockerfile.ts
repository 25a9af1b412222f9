// Reads a Dockerfile as far as ours goes: one instruction a line, no continuation, no variables.

/** Word and rest of each instruction. @throws Error for what it does not know. */
export const instructionsOf = (text: string): (readonly [word: string, rest: string])[] =>
  text.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    const [, word, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (word === undefined || rest === undefined || line.endsWith('\\')) throw new Error(`not read: ${line}`);
    return [[word, rest] as const];
  });

/** The stages of a build, each with the instructions after its FROM. */
export const stagesOf = (
  text: string,
): { readonly name: string; readonly instructions: (readonly [string, string])[] }[] => {
  const stages: { name: string; instructions: (readonly [string, string])[] }[] = [];
  for (const [word, rest] of instructionsOf(text)) {
    if (word === 'FROM') stages.push({ name: / AS (\S+)$/.exec(rest)?.[1] ?? '', instructions: [] });
    else stages.at(-1)?.instructions.push([word, rest]);
  }
  return stages;
};
