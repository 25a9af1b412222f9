// Loads one source file with one place of it changed. Runs in Node's loader thread, below tsx, which compiles the result.

/** @type {import('./builds.ts').Mutation} */
let mutation;

export const initialize = (given) => {
  mutation = given;
};

export const load = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (url.split('?')[0] !== mutation.url) return loaded;
  const pieces = String(loaded.source).split(mutation.snippet);
  if (pieces.length !== 2)
    throw new Error(`${mutation.url} holds the snippet ${pieces.length - 1} times, not once`);
  const mark = `\nglobalThis[Symbol.for('sealwire.broken')] = ${JSON.stringify(mutation.name)};\n`;
  return { ...loaded, source: pieces.join(mutation.broken) + mark };
};
