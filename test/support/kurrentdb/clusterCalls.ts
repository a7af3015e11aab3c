/** Part of the protocol test server: a test double in memory, not a database. What it can do, and who its nodes are. */

import { setTimeout as sleep } from 'node:timers/promises';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type Metadata, type ServerErrorResponse, status } from '@grpc/grpc-js';
import { grpcError, notLeader, refusalError } from './errors.ts';
import type { Fault, Method } from './faults.ts';
import type { Member, Node } from './node.ts';

/** A version that no database has. */
const VERSION = '0.0.0-protocol-test-server';
const TICKS_PER_MS = 10_000n;
const TICKS_BEFORE_UNIX_EPOCH = 621_355_968_000_000_000n;

type Reply<Response> = (error: ServerErrorResponse | null, response?: Response | null) => void;

/** Answers a call that only asks, unless a fault strikes it. */
export async function answerQuestion<Response>(
  node: Node,
  method: Method,
  headers: Metadata,
  reply: Reply<Response>,
  response: () => Response,
): Promise<void> {
  const fault = node.arrive({ method, stream: '', eventIds: [] }, headers);
  if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
  if (fault?.kind === 'disconnect') node.disconnect();
  const error = errorOf(fault);
  if (error === 'silence') return;
  reply(error, error === null ? response() : null);
}

function errorOf(fault: Fault | null): ServerErrorResponse | null | 'silence' {
  switch (fault?.kind) {
    case 'error':
      return grpcError(fault.code, 'injected fault');
    case 'notLeader':
      return notLeader(fault.leader);
    case 'refusal':
      return refusalError(fault.reason, 0);
    case 'halfClose':
      return grpcError(status.INTERNAL, 'no answer');
    case 'silence':
    case 'disconnect':
      return 'silence';
    default:
      return null;
  }
}

/** The methods that this server has, named in lower case. */
export function supportedMethods(): features.SupportedMethods {
  const response = new features.SupportedMethods().setEventStoreServerVersion(VERSION);
  for (const { path } of Object.values(StreamsService)) {
    const [, service = '', method = ''] = path.toLowerCase().split('/');
    response.addMethods(new features.SupportedMethod().setServiceName(service).setMethodName(method));
  }
  return response;
}

/** Who is in the cluster. */
export function clusterInfo(members: readonly Member[], now: number): gossip.ClusterInfo {
  const states = gossip.MemberInfo.VNodeState;
  const info = new gossip.ClusterInfo();
  for (const member of members) {
    info.addMembers(
      new gossip.MemberInfo()
        .setInstanceId(new shared.UUID().setString(member.id))
        .setTimeStamp(String(BigInt(now) * TICKS_PER_MS + TICKS_BEFORE_UNIX_EPOCH))
        .setState(member.isLeader ? states.LEADER : states.FOLLOWER)
        .setIsAlive(member.isAlive)
        .setHttpEndPoint(new gossip.EndPoint().setAddress(member.address).setPort(member.port)),
    );
  }
  return info;
}
