// `node --import` of this, before tsx, breaks one source file as SEALWIRE_BROKEN says: see hook.mjs.
import { register } from 'node:module';

const mutation = process.env.SEALWIRE_BROKEN;
if (mutation) register('./hook.mjs', { parentURL: import.meta.url, data: JSON.parse(mutation) });
