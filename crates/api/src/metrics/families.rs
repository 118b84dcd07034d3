//! Writes metric families, one after the other.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A family without labels: its name, its help, and its value.
type Counter = (&'static str, &'static str, u64);

pub(super) struct Families<'a>(pub(super) DescriptorEncoder<'a>);

impl Families<'_> {
    /// Families of one counter each.
    pub(super) fn counters(&mut self, counters: &[Counter]) -> fmt::Result {
        for &(name, help, value) in counters {
            let family = self
                .0
                .encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(family)?;
        }
        Ok(())
    }

    /// A family with a counter for each value of one label.
    pub(super) fn counters_by<'l>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        counters: impl IntoIterator<Item = (&'l str, u64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, count) in counters {
            ConstCounter::new(count).encode(family.encode_family(&[(label, value)])?)?;
        }
        Ok(())
    }

    /// A family with a counter for each combination of labels.
    pub(super) fn counters_of<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        counters: impl IntoIterator<Item = ([&'l str; N], u64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (values, count) in counters {
            let pairs: [(&str, &str); N] = std::array::from_fn(|at| (labels[at], values[at]));
            ConstCounter::new(count).encode(family.encode_family(&pairs)?)?;
        }
        Ok(())
    }

    /// A family with a histogram for each combination of labels: their sum and their [buckets](Self::histogram).
    pub(super) fn histograms_of<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        histograms: impl IntoIterator<Item = ([&'l str; N], f64, &'l [(f64, u64)])>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (values, sum, buckets) in histograms {
            let pairs: [(&str, &str); N] = std::array::from_fn(|at| (labels[at], values[at]));
            let count = buckets.iter().map(|(_, count)| count).sum();
            family
                .encode_family(&pairs)?
                .encode_histogram::<[(&str, &str); 0]>(sum, count, buckets, None)?;
        }
        Ok(())
    }

    /// A family of one gauge. Where its value is not known, name and help are written without it.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl Into<Option<f64>>,
    ) -> fmt::Result {
        let family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        match value.into() {
            Some(value) => ConstGauge::new(value).encode(family),
            None => Ok(()),
        }
    }

    /// A family with a gauge for each combination of labels.
    pub(super) fn gauges_by<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        gauges: impl IntoIterator<Item = ([&'l str; N], f64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (values, gauge) in gauges {
            let pairs: [(&str, &str); N] = std::array::from_fn(|at| (labels[at], values[at]));
            ConstGauge::new(gauge).encode(family.encode_family(&pairs)?)?;
        }
        Ok(())
    }

    /// A family of one histogram. The buckets are upper edges and what lies below each and above the one before.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        sum: f64,
        buckets: &[(f64, u64)],
    ) -> fmt::Result {
        let count = buckets.iter().map(|(_, count)| count).sum();
        self.0
            .encode_descriptor(name, help, None, MetricType::Histogram)?
            .encode_histogram::<[(&str, &str); 0]>(sum, count, buckets, None)
    }
}
