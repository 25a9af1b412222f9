// A chat's or person's initials on a muted colour that stays the same for the same name.
// No spec rules here.
const TONES = 6;

export function Avatar({ name, small }: { readonly name: string; readonly small?: boolean }) {
  return (
    <span
      className={`avatar tone-${toneOf(name)}${small === true ? ' avatar-small' : ''}`}
      aria-hidden="true"
    >
      {initialsOf(name)}
    </span>
  );
}

/** @returns a number below {@link TONES}, the same for the same name; names in a conversation use it as well. */
export function toneOf(name: string): number {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return sum % TONES;
}

function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const first = words[0] ?? '';
  const last = words.length > 1 ? (words.at(-1) ?? '') : '';
  return `${[...first][0] ?? '·'}${[...last][0] ?? ''}`.toUpperCase();
}
