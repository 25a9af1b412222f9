// Module hooks behind variants.ts; run by Node in a thread of their own. See https://nodejs.org/api/module.html#hooks.
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';
import type { Variant } from './variants.ts';

const variants = new Map<string, Variant>();

export const initialize: InitializeHook<Variant> = (variant) => void variants.set(variant.name, variant);

export const resolve: ResolveHook = async (specifier, context, next) => {
  const name = variantOf(specifier) ?? variantOf(context.parentURL);
  const variant = name === undefined ? undefined : variants.get(name);
  if (!variant || specifier.endsWith(ORIGINAL)) return next(specifier, context);
  const parentURL = context.parentURL && plain(context.parentURL);
  const found = await next(plain(specifier), { ...context, parentURL });
  return variant.scope.some((start) => found.url.startsWith(start))
    ? { ...found, url: `${plain(found.url)}?variant=${variant.name}` }
    : found;
};

export const load: LoadHook = async (url, context, next) => {
  const name = variantOf(url);
  if (name === undefined) return next(url, context);
  const replaced = variants.get(name)?.replacements.find(({ module }) => plain(url).endsWith(module));
  if (!replaced || url.endsWith(ORIGINAL)) return next(plain(url), context);
  const { names, by } = replaced;
  const source = `export * from '${url}${ORIGINAL}';\nexport { ${names.join(', ')} } from '${by}';\n`;
  return { format: 'module', source, shortCircuit: true };
};

const ORIGINAL = '&original';

const variantOf = (url: string | undefined): string | undefined => /\?variant=([\w-]+)/.exec(url ?? '')?.[1];

const plain = (url: string): string => url.replace(/\?variant=.*$/, '');
