// Types of watchdog.mjs.
export const watch: (patienceMs: number, lineOf: (seed: string) => string) => (seed: number) => void;
