// What the two demo apps share.
// No spec rules here.
export { Centre, Failure, PaneHeader, Progress } from './components/basics.tsx';
export { CodeReader } from './components/CodeReader.tsx';
export { CopyText } from './components/CopyText.tsx';
export { Icon, Mark } from './components/Icon.tsx';
export { QrCode } from './components/QrCode.tsx';
export { SessionScreen } from './components/SessionScreen.tsx';
export { useNow } from './hooks/useNow.ts';
export { useReadable } from './hooks/useReadable.ts';
export { go, replaceRoute } from './hooks/useRoute.ts';
export { useTask } from './hooks/useTask.ts';
export { codeOf, explain } from './lib/explain.ts';
export { formatCountdown } from './lib/format.ts';
export { proposeBrowserName, proposePhoneName } from './lib/platform-name.ts';
export { createSession, type Session } from './lib/session.ts';
export { registerServiceWorker } from './lib/updates.ts';
