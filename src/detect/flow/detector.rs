//! Flows as a detector: catalogs and rules in, findings out.

use super::catalog::load::Catalogs;
use super::catalog::schema::Trust;
use super::{Flows, engine, finding, lower};
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::rules::{RuleError, RuleSet};
use crate::detect::{Context, Detections, Detector, gap};
use crate::finding::GapKind;
use crate::redact::Redactor;
use crate::syntax::SourceFile;
use std::collections::BTreeSet;

/// Follows data through files.
#[derive(Debug)]
pub struct FlowDetector<'a> {
    /// The rules, those about flows among them.
    pub rules: &'a RuleSet,
    /// The catalogs of the same rule set.
    pub catalogs: &'a Catalogs,
}

impl FlowDetector<'_> {
    /// Says whether data that a class of weakness is about reaches a place where it does harm; parameters and hints do not count.
    /// For the examples of catalogs, which may speak of a class that has no rule.
    ///
    /// # Errors
    /// [`RuleError`] where a catalog cannot be read.
    pub fn finds(&self, file: &SourceFile, class: &str, context: Context<'_>) -> Result<bool, RuleError> {
        let flows = self.flows(file, context)?.flows;
        Ok(flows.iter().any(|flow| flow.class == class && !flow.hint && flow.trust != Trust::Parameter))
    }

    fn flows(&self, file: &SourceFile, context: Context<'_>) -> Result<Flows, RuleError> {
        let catalog = self.catalogs.index(file.language, self.rules.flow_rules(file.language)?)?;
        let module = lower::lower(file);
        Ok(engine::run(file, &module, catalog, context.others, context.deadline))
    }
}

impl FlowDetector<'_> {
    /// Returns the secrets of the files that flows lead through, which rules tell: an imported file may be no part of
    /// what is analysed. `None` where they cannot be told.
    fn secrets(&self, flows: &Flows, file: &SourceFile, context: Context<'_>) -> Option<Redactor> {
        let matcher = RuleDetector { rules: self.rules };
        let numbers: BTreeSet<usize> = flows.flows.iter().flat_map(|f| &f.steps).map(|step| step.file).collect();
        let mut secrets = Redactor::default();
        for file in numbers.into_iter().filter_map(|number| finding::file_of(flows, file, number)) {
            let detections = matcher.detect(file, context);
            if !detections.gaps.is_empty() {
                return None;
            }
            secrets.merge(detections.redactor);
        }
        Some(secrets)
    }
}

impl Detector for FlowDetector<'_> {
    fn detect(&self, file: &SourceFile, context: Context<'_>) -> Detections {
        let found = self.rules.flow_rules(file.language).and_then(|rules| {
            if rules.is_empty() {
                return Ok(Detections::default());
            }
            let flows = self.flows(file, context)?;
            let secrets = self.secrets(&flows, file, context);
            let findings = finding::of(&flows, file, self.rules, rules, secrets.as_ref())?;
            let late = flows.incomplete.into_iter().map(|why| gap(GapKind::Time, &file.path, why));
            Ok(Detections { findings, gaps: late.collect(), redactor: secrets.unwrap_or_default() })
        });
        found.unwrap_or_else(|error| Detections {
            gaps: vec![gap(GapKind::Environment, &file.path, error.to_string())],
            ..Detections::default()
        })
    }
}
