//! How one metric becomes text. Labels are words of the program: nothing here takes one that is not `'static`.

use std::fmt;
use std::time::Duration;

use cloakroom::LatencyCounts;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A label: its name, and a word of a closed list.
pub(super) type Label = (&'static str, &'static str);

/// Where metrics are written to.
pub(super) struct Text<'a>(pub(super) DescriptorEncoder<'a>);

impl Text<'_> {
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    /// One counter for each of these labels.
    pub(super) fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([Label; N], u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        values
            .into_iter()
            .try_for_each(|(labels, value)| ConstCounter::new(value).encode(family.encode_family(&labels)?))
    }

    /// One gauge for each of these labels.
    pub(super) fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([Label; N], f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values.into_iter().try_for_each(|(labels, value)| ConstGauge::new(value).encode(family.encode_family(&labels)?))
    }

    pub(super) fn latency(&mut self, name: &str, help: &str, counts: &LatencyCounts) -> fmt::Result {
        encode(self.0.encode_descriptor(name, help, None, MetricType::Histogram)?, counts)
    }

    /// One histogram for each of these labels.
    pub(super) fn latencies(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Label, LatencyCounts)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        values.into_iter().try_for_each(|(label, counts)| encode(family.encode_family(&[label])?, &counts))
    }

    /// A histogram of what has another unit than time: how many were up to so large, and all of them together.
    pub(super) fn sizes(
        &mut self,
        name: &str,
        help: &str,
        buckets: impl IntoIterator<Item = (f64, u64)>,
        sum: f64,
    ) -> fmt::Result {
        let mut histogram = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let buckets: Vec<_> = buckets.into_iter().collect();
        let total = buckets.iter().map(|(_, counted)| counted).sum();
        histogram.encode_histogram::<NoLabelSet>(sum, total, &buckets, None)
    }
}

fn encode(mut histogram: MetricEncoder<'_>, counts: &LatencyCounts) -> fmt::Result {
    let bound = |bound: &Option<Duration>| bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
    let buckets: Vec<_> = counts.buckets.iter().map(|(limit, counted)| (bound(limit), *counted)).collect();
    let total = buckets.iter().map(|(_, counted)| counted).sum();
    histogram.encode_histogram::<NoLabelSet>(counts.sum.as_secs_f64(), total, &buckets, None)
}

/// Of counts that are small enough.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody holds 2^53 sessions")]
pub(super) const fn number(number: u64) -> f64 {
    number as f64
}
