"""A collector of OTLP, by the protocol's own definitions: keeps the spans and metrics that it gets.

Knows nothing of millpond.
"""

import threading
from concurrent import futures

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

WAIT_SECONDS = 60


class Collector:
    """`with Collector() as collector`: runs until the block ends."""

    def __init__(self):
        self.spans, self.metrics, self.resources = [], [], []
        self.more = threading.Condition()

    def __enter__(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(self), self.server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(self), self.server)
        self.endpoint = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()

    def add(self, resource, spans=(), metrics=()):
        with self.more:
            self.resources.append(resource)
            self.spans.extend(spans)
            self.metrics.extend(metrics)
            self.more.notify_all()

    def spans_of(self, trace_id):
        """The spans of a trace, as soon as there is one."""
        found = lambda: [span for span in self.spans if span.trace_id == trace_id]
        with self.more:
            assert self.more.wait_for(found, WAIT_SECONDS), "no span of the trace came"
            return found()

    def metric(self, name):
        """The newest of the metrics of this name, as soon as there is one."""
        found = lambda: [metric for metric in self.metrics if metric.name == name]
        with self.more:
            assert self.more.wait_for(found, WAIT_SECONDS), f"no metric {name} came"
            return found()[-1]


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, collector):
        self.collector = collector

    def Export(self, request, _):
        for process in request.resource_spans:
            spans = [span for scope in process.scope_spans for span in scope.spans]
            self.collector.add(process.resource, spans=spans)
        return trace_service_pb2.ExportTraceServiceResponse()


class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, collector):
        self.collector = collector

    def Export(self, request, _):
        for process in request.resource_metrics:
            metrics = [metric for scope in process.scope_metrics for metric in scope.metrics]
            self.collector.add(process.resource, metrics=metrics)
        return metrics_service_pb2.ExportMetricsServiceResponse()
