// handler.ts: behind API Gateway (REST or HTTP API), a function URL, or a load balancer
import { toLambdaHandler } from 'srvx/aws-lambda';
import { broker } from './broker.ts';

export const handler = toLambdaHandler({ fetch: broker });
