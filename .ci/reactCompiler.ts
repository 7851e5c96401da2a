// Vite plugin: a module that is imported with `?compiled` goes through React's compiler, and so do the
// modules of stories/ that it imports.
import { transformAsync } from '@babel/core';
import type { Plugin } from 'vite';

const MARK = '?compiled';

export function reactCompiler(): Plugin {
  return {
    name: 'react-compiler',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (!importer?.endsWith(MARK) || !source.startsWith('.')) return null;
      const resolved = await this.resolve(source, importer.slice(0, -MARK.length));
      const isWidget = resolved && /\/stories\/.*\.tsx?$/.test(resolved.id);
      return isWidget ? resolved.id + MARK : resolved;
    },
    async transform(code, id) {
      if (!id.endsWith(MARK)) return null;
      const compiled = await transformAsync(code, {
        filename: id.slice(0, -MARK.length),
        babelrc: false,
        configFile: false,
        parserOpts: { plugins: ['jsx'] },
        presets: ['@babel/preset-typescript'],
        // "all_errors": a component that the compiler would leave as it is fails the build
        plugins: [['babel-plugin-react-compiler', { panicThreshold: 'all_errors' }]],
      });
      return compiled?.code ? { code: compiled.code, map: null } : null;
    },
  };
}
