import { readFileSync } from 'node:fs';
import { validateWorkflow } from '@action-validator/core';
import { validate as validateDockerfile } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const read = (name: string): string =>
  readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');

describe('the Dockerfile', () => {
  const text = read('Dockerfile');

  it('has nothing that the linter objects to', () => {
    expect(validateDockerfile(text).map(({ message }) => message)).toEqual([]);
    expect(validateDockerfile(text.replace('ENTRYPOINT', 'ENTRYPONT'))).not.toEqual([]);
  });

  it('installs what the lock file names, copies no secret, and starts the night', () => {
    expect(text).toMatch(/npm ci /);
    expect(text).toMatch(/^ENTRYPOINT \["node", "--import", "tsx", "deploy\/nightly\.ts"\]$/m);
    expect(text).not.toMatch(/SECRET|TOKEN|PASSWORD|USERS/);
    expect(read('Dockerfile.dockerignore')).toMatch(/^users\*\.json$/m);
  });
});

const stepSchema = z.object({
  name: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  if: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
  'continue-on-error': z.unknown().optional(),
});
const workflowSchema = z.object({
  concurrency: z.object({ group: z.string(), 'cancel-in-progress': z.boolean() }),
  jobs: z.record(z.string(), z.object({ steps: z.array(stepSchema) })),
});

describe('the workflow', () => {
  const text = read('github-nightly.yml');
  const workflow = workflowSchema.parse(parse(text));
  const steps = workflow.jobs['nightly']?.steps ?? [];

  it('follows the schema of GitHub Actions', () => {
    expect(validateWorkflow(text).errors).toEqual([]);
    expect(validateWorkflow(text.replace('runs-on:', 'runs-in:')).errors).not.toEqual([]);
  });

  it('lets one night wait for the other, and neither cancel the other', () => {
    expect(workflow.concurrency).toEqual({
      group: 'crosstalk-netra-staging-users',
      'cancel-in-progress': false,
    });
  });

  it('fails with the campaign, and keeps its artifacts all the same', () => {
    expect(steps.filter((step) => step['continue-on-error'] !== undefined)).toEqual([]);
    const run = steps.find(({ run: command }) => command?.includes('deploy/nightly.ts') === true);
    expect(run?.run).not.toMatch(/\|\||;|set \+e/);
    const keep = steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@') === true);
    expect(keep?.if).toBe('always()');
  });

  it('takes secrets from the environment only', () => {
    const secrets = [...text.matchAll(/^(.*)\$\{\{ *secrets\.(\w+) *\}\}$/gm)];
    expect(secrets.map(([, before, name]) => [before?.trim(), name])).toEqual([
      ['CROSSTALK_USERS:', 'CROSSTALK_USERS'],
      ['CROSSTALK_NOTIFY:', 'CROSSTALK_NOTIFY'],
    ]);
    for (const { run } of steps) expect(run ?? '').not.toContain('${{');
  });
});

/** The part of the schema of a Cloud Run job (run.googleapis.com/v1) that the job may use. */
const environmentSchema = z.union([
  z.strictObject({ name: z.string(), value: z.string() }),
  z.strictObject({
    name: z.string(),
    valueFrom: z.strictObject({
      secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }),
    }),
  }),
]);
const containerSchema = z.strictObject({
  image: z.string(),
  args: z.array(z.string()),
  resources: z.strictObject({ limits: z.strictObject({ cpu: z.string(), memory: z.string() }) }),
  env: z.array(environmentSchema),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string() })),
});
const jobSchema = z.strictObject({
  apiVersion: z.literal('run.googleapis.com/v1'),
  kind: z.literal('Job'),
  metadata: z.strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,48}$/),
    labels: z.record(z.string(), z.string()),
  }),
  spec: z.strictObject({
    template: z.strictObject({
      metadata: z.strictObject({ annotations: z.record(z.string(), z.string()) }),
      spec: z.strictObject({
        taskCount: z.int().positive(),
        parallelism: z.int().positive(),
        template: z.strictObject({
          spec: z.strictObject({
            maxRetries: z.int().min(0).max(10),
            timeoutSeconds: z.string().regex(/^\d+$/),
            serviceAccountName: z.string(),
            containers: z.array(containerSchema).length(1),
            volumes: z.array(
              z.strictObject({
                name: z.string(),
                csi: z.strictObject({
                  driver: z.literal('gcsfuse.run.googleapis.com'),
                  volumeAttributes: z.strictObject({ bucketName: z.string() }),
                }),
              }),
            ),
          }),
        }),
      }),
    }),
  }),
});

describe('the Cloud Run job', () => {
  const text = read('cloud-run-job.yaml');
  const job = jobSchema.parse(parse(text));
  const execution = job.spec.template.spec;
  const task = execution.template.spec;
  const [container] = task.containers;
  const value = (name: string): string | undefined => {
    const entry = container?.env.find((one) => one.name === name);
    return entry !== undefined && 'value' in entry ? entry.value : undefined;
  };

  it('is refused by its schema when a field is misspelt or misplaced', () => {
    expect(jobSchema.safeParse(parse(text.replace('maxRetries', 'maxRetry'))).success).toBe(false);
    expect(jobSchema.safeParse(parse(text.replace('kind: Job', 'kind: Service'))).success).toBe(
      false,
    );
  });

  it('runs one task once: a retry would hide what the first attempt saw', () => {
    expect(execution).toMatchObject({ taskCount: 1, parallelism: 1 });
    expect(task.maxRetries).toBe(0);
  });

  it('runs the nightly scenarios against the profile of Netra', () => {
    expect(container?.args).toEqual(['run', '--tag', 'nightly', '--target', 'netra']);
  });

  it('has its secrets from the secret manager, and nothing else that looks like one', () => {
    const secrets = container?.env.filter((entry) => 'valueFrom' in entry).map(({ name }) => name);
    expect(secrets).toEqual(['CROSSTALK_USERS', 'CROSSTALK_NOTIFY']);
  });

  it('keeps its artifacts in a bucket', () => {
    const [volume] = task.volumes;
    const mount = container?.volumeMounts.find(({ name }) => name === volume?.name);
    expect(mount?.mountPath).toBe(value('NIGHTS_DIR'));
  });

  it('holds the lock on the test users for longer than it may run', () => {
    expect(value('LOCK_BUCKET')).toBeDefined();
    expect(value('LOCK_NAME')).toContain('users');
    expect(Number(value('LOCK_SECONDS'))).toBeGreaterThan(Number(task.timeoutSeconds));
  });
});

const aggregationsSchema = z.array(
  z.strictObject({ alignmentPeriod: z.string().regex(/^\d+s$/), perSeriesAligner: z.string() }),
);
const policySchema = z.strictObject({
  displayName: z.string(),
  combiner: z.enum(['OR', 'AND']),
  conditions: z.array(
    z.union([
      z.strictObject({
        displayName: z.string(),
        conditionThreshold: z.strictObject({
          filter: z.string(),
          aggregations: aggregationsSchema,
          comparison: z.literal('COMPARISON_GT'),
          thresholdValue: z.number(),
          duration: z.string().regex(/^\d+s$/),
        }),
      }),
      z.strictObject({
        displayName: z.string(),
        conditionAbsent: z.strictObject({
          filter: z.string(),
          aggregations: aggregationsSchema,
          // The service accepts no absence of more than 23.5 hours.
          duration: z.string().refine((text) => Number.parseInt(text, 10) <= 84_600),
        }),
      }),
    ]),
  ),
  notificationChannels: z.array(z.string()).min(1),
});

describe('the alert', () => {
  const policy = policySchema.parse(parse(read('alert-policy.yaml')));
  const job = jobSchema.parse(parse(read('cloud-run-job.yaml')));

  it('fires when the job fails, and when it does not run', () => {
    const filters = policy.conditions.map((condition) =>
      'conditionThreshold' in condition
        ? condition.conditionThreshold.filter
        : condition.conditionAbsent.filter,
    );
    expect(filters).toHaveLength(2);
    for (const filter of filters) expect(filter).toContain(`"${job.metadata.name}"`);
    expect(filters[0]).toContain('metric.labels.result = "failed"');
  });
});
