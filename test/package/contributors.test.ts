// What contributors and their editors read: .github, and the scripts and addresses of package.json.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const ofGithub = readdirSync(join(root, '.github'), { recursive: true, encoding: 'utf8' }).map(
  (file) => join('.github', file),
);
const pages = ofGithub.filter((file) => file.endsWith('.md'));
const forms = ofGithub.filter((file) => /ISSUE_TEMPLATE\/(?!config)/.test(file));
const workflows = ofGithub.filter((file) => file.includes('workflows/'));

describe('the addresses of the project', () => {
  const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '');

  it('are those of one repository, wherever they are written', () => {
    expect(manifest.homepage).toBe(`${repository}#readme`);
    expect(manifest.bugs.url).toBe(`${repository}/issues`);
    const named = ofGithub
      .filter((file) => /\.(md|yml)$/.test(file))
      .flatMap((file) => read(file).match(/https:\/\/github\.com\/[\w-]+\/[\w-]+/g) ?? []);
    expect(new Set(named)).toEqual(new Set([repository]));
  });
});

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('links to files that exist', () => {
    const links = [...text.matchAll(/\]\((?!https:|#)([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(root, dirname(page), path)))).toEqual([]);
  });

  it('names scripts and test files that exist', () => {
    const scripts = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(scripts.filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
    const files = text.match(/\b(test|stories)\/[\w/.]+\.tsx?\b/g) ?? [];
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe('CONTRIBUTING', () => {
  it('has a row for each room of src', () => {
    const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    const text = read('.github/CONTRIBUTING.md');
    expect(rooms.filter(({ name }) => !text.includes(`| \`src/${name}\` |`))).toEqual([]);
  });
});

describe('the issue forms', () => {
  const label = v.pipe(v.string(), v.nonEmpty());
  const validations = v.optional(v.strictObject({ required: v.boolean() }));
  const described = {
    label,
    description: v.optional(v.string()),
    placeholder: v.optional(v.string()),
  };
  const id = v.pipe(v.string(), v.regex(/^[\w-]+$/));
  /** The form schema of GitHub, as far as the forms use it. */
  const form = v.strictObject({
    name: label,
    description: label,
    labels: v.array(v.string()),
    body: v.pipe(
      v.array(
        v.variant('type', [
          v.strictObject({
            type: v.literal('markdown'),
            attributes: v.strictObject({ value: label }),
          }),
          v.strictObject({
            type: v.literal('textarea'),
            id,
            attributes: v.strictObject({ ...described, render: v.optional(v.string()) }),
            validations,
          }),
          v.strictObject({
            type: v.literal('input'),
            id,
            attributes: v.strictObject(described),
            validations,
          }),
          v.strictObject({
            type: v.literal('dropdown'),
            id,
            attributes: v.strictObject({
              label,
              multiple: v.optional(v.boolean()),
              options: v.pipe(v.array(v.string()), v.minLength(1)),
            }),
            validations,
          }),
        ]),
      ),
      v.check(
        (fields) => new Set(fields.map((field) => 'id' in field && field.id)).size >= fields.length,
        'The ids are not unique.',
      ),
    ),
  });

  it.each(forms)('%s is one that GitHub accepts', (file) => {
    expect(v.safeParse(form, parse(read(file))).issues).toBeUndefined();
  });

  it('offer each entry of the package', () => {
    const entries = Object.keys(manifest.exports)
      .filter((entry) => entry !== './package.json')
      .map((entry) => entry.replace('.', manifest.name));
    const text = read('.github/ISSUE_TEMPLATE/bug_report.yml');
    expect(entries.filter((entry) => !text.includes(`- ${entry}`))).toEqual([]);
  });
});

describe('the workflows', () => {
  const step = v.looseObject({
    uses: v.optional(v.pipe(v.string(), v.regex(/@v\d+$/))),
    name: v.optional(v.string()),
    run: v.optional(v.string()),
  });
  const workflow = v.looseObject({
    on: v.looseObject({}),
    permissions: v.strictObject({ contents: v.literal('read') }),
    jobs: v.record(
      v.string(),
      v.looseObject({
        uses: v.optional(v.string()),
        permissions: v.optional(v.record(v.string(), v.string())),
        steps: v.optional(v.array(step)),
      }),
    ),
  });
  const jobsOf = (name: string) =>
    v.parse(workflow, parse(read(`.github/workflows/${name}.yml`))).jobs;

  it('may read the repository and nothing else, unless a job says so', () => {
    expect(workflows).toHaveLength(2);
    for (const file of workflows) {
      expect(v.safeParse(workflow, parse(read(file))).issues).toBeUndefined();
    }
  });

  it('run every check of .ci/run', () => {
    expect(jobsOf('ci').check?.steps?.map(({ run }) => run)).toContain('.ci/run');
  });

  it('publish with provenance, after every check', () => {
    const { check, publish } = jobsOf('release');
    expect(check?.uses).toBe('./.github/workflows/ci.yml');
    expect(publish).toMatchObject({ needs: 'check', permissions: { 'id-token': 'write' } });
    expect(publish?.steps?.at(-1)?.run).toMatch(/^npm publish --provenance --access public /);
  });

  it('refuse to publish under a tag that is not the version', async () => {
    const guard = jobsOf('release').publish?.steps?.find(({ name }) => name?.startsWith('The tag'));
    const runWith = (tag: string) =>
      promisify(execFile)('bash', ['-e', '-c', guard?.run ?? ''], {
        cwd: root,
        env: { ...process.env, GITHUB_REF_NAME: tag },
      });
    await expect(runWith(`v${manifest.version}`)).resolves.toMatchObject({ stdout: '' });
    await expect(runWith('v99.0.0')).rejects.toMatchObject({ stdout: /The tag is v99\.0\.0/ });
  });
});

describe('the lint settings', () => {
  it('are found where editors look for them, in biome.json', () => {
    const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
    const formatted = execFileSync(process.execPath, [biome, 'format', '--stdin-file-path=a.ts'], {
      cwd: root,
      encoding: 'utf8',
      input: 'const quote = "single";',
    });
    expect(formatted).toBe("const quote = 'single';\n");
  });
});
