// Types of what Vite puts into import.meta.
// No spec rules here.
/// <reference types="vite/client" />
