// Lets TypeScript follow imports of style sheets, which Vite resolves.
// No spec rules here.
declare module '*.css';
